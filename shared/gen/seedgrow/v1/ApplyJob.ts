// Original file: proto/seedgrow/v1/worker.proto

import type { Slice as _seedgrow_v1_Slice, Slice__Output as _seedgrow_v1_Slice__Output } from '../../seedgrow/v1/Slice.js';

export interface ApplyJob {
  'slices'?: (_seedgrow_v1_Slice)[];
  'hash'?: (string)[];
}

export interface ApplyJob__Output {
  'slices': (_seedgrow_v1_Slice__Output)[];
  'hash': (string)[];
}
