// Original file: proto/seedgrow/v1/peers.proto

import type { Long } from '@grpc/proto-loader';

export interface VectorRequest {
  'runId'?: (string);
  'name'?: (string);
  'first'?: (number | string | Long);
  'end'?: (number | string | Long);
}

export interface VectorRequest__Output {
  'runId': (string);
  'name': (string);
  'first': (number);
  'end': (number);
}
