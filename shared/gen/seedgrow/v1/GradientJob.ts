// Original file: proto/seedgrow/v1/worker.proto


export interface GradientJob {
  'step'?: (number);
  'leafFirst'?: (number);
  'leafEnd'?: (number);
  'leafCount'?: (number);
  'labelsDigest'?: (string);
  'correctionsDigest'?: (string);
}

export interface GradientJob__Output {
  'step': (number);
  'leafFirst': (number);
  'leafEnd': (number);
  'leafCount': (number);
  'labelsDigest': (string);
  'correctionsDigest': (string);
}
