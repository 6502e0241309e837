// Original file: proto/seedgrow/v1/worker.proto


export interface EvaluateJob {
  'shard'?: (number);
}

export interface EvaluateJob__Output {
  'shard': (number);
}
