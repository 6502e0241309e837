// Original file: proto/seedgrow/v1/worker.proto

import type { SumsAhead as _seedgrow_v1_SumsAhead, SumsAhead__Output as _seedgrow_v1_SumsAhead__Output } from '../../seedgrow/v1/SumsAhead.js';
import type { Long } from '@grpc/proto-loader';

export interface ReduceAhead {
  'first'?: (number | string | Long);
  'end'?: (number | string | Long);
  'length'?: (number | string | Long);
  'sums'?: (_seedgrow_v1_SumsAhead)[];
}

export interface ReduceAhead__Output {
  'first': (number);
  'end': (number);
  'length': (number);
  'sums': (_seedgrow_v1_SumsAhead__Output)[];
}
