// Original file: proto/seedgrow/v1/worker.proto

import type { Summand as _seedgrow_v1_Summand, Summand__Output as _seedgrow_v1_Summand__Output } from '../../seedgrow/v1/Summand.js';
import type { Long } from '@grpc/proto-loader';

export interface ReduceJob {
  'first'?: (number | string | Long);
  'end'?: (number | string | Long);
  'leafCount'?: (number);
  'summands'?: (_seedgrow_v1_Summand)[];
  'length'?: (number | string | Long);
}

export interface ReduceJob__Output {
  'first': (number);
  'end': (number);
  'leafCount': (number);
  'summands': (_seedgrow_v1_Summand__Output)[];
  'length': (number);
}
