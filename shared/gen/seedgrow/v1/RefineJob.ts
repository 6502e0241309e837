// Original file: proto/seedgrow/v1/worker.proto


export interface RefineJob {
  'shard'?: (number);
  'camDigest'?: (string);
  'labelsDigest'?: (string);
  'correctionsDigest'?: (string);
}

export interface RefineJob__Output {
  'shard': (number);
  'camDigest': (string);
  'labelsDigest': (string);
  'correctionsDigest': (string);
}
