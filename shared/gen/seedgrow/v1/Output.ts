// Original file: proto/seedgrow/v1/worker.proto

import type { Long } from '@grpc/proto-loader';

export interface Output {
  'name'?: (string);
  'digest'?: (string);
  'bytes'?: (number | string | Long);
}

export interface Output__Output {
  'name': (string);
  'digest': (string);
  'bytes': (number);
}
