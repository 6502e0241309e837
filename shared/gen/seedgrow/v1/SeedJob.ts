// Original file: proto/seedgrow/v1/worker.proto


export interface SeedJob {
  'shard'?: (number);
}

export interface SeedJob__Output {
  'shard': (number);
}
