// Original file: proto/seedgrow/v1/worker.proto


export interface WeightsChange {
  'baseDigest'?: (string);
  'digest'?: (string);
}

export interface WeightsChange__Output {
  'baseDigest': (string);
  'digest': (string);
}
