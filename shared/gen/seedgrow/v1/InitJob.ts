// Original file: proto/seedgrow/v1/worker.proto


export interface InitJob {
  'classifierDigest'?: (string);
}

export interface InitJob__Output {
  'classifierDigest': (string);
}
