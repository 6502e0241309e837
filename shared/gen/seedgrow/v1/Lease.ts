// Original file: proto/seedgrow/v1/worker.proto

import type { Long } from '@grpc/proto-loader';

export interface Lease {
  'runId'?: (string);
  'token'?: (number | string | Long);
  'generation'?: (number | string | Long);
}

export interface Lease__Output {
  'runId': (string);
  'token': (number);
  'generation': (number);
}
