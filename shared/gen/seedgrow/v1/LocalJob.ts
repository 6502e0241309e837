// Original file: proto/seedgrow/v1/worker.proto


export interface LocalJob {
  'step'?: (number);
  'steps'?: (number);
  'replica'?: (number);
  'replicas'?: (number);
  'specsDigest'?: (string);
  'labelsDigest'?: (string);
  'correctionsDigest'?: (string);
}

export interface LocalJob__Output {
  'step': (number);
  'steps': (number);
  'replica': (number);
  'replicas': (number);
  'specsDigest': (string);
  'labelsDigest': (string);
  'correctionsDigest': (string);
}
