// Original file: proto/seedgrow/v1/worker.proto


export interface Stage {
  'model'?: (string);
  'round'?: (number);
}

export interface Stage__Output {
  'model': (string);
  'round': (number);
}
