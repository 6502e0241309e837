// Original file: proto/seedgrow/v1/worker.proto

import type { ReduceAhead as _seedgrow_v1_ReduceAhead, ReduceAhead__Output as _seedgrow_v1_ReduceAhead__Output } from '../../seedgrow/v1/ReduceAhead.js';

export interface GradientJob {
  'step'?: (number);
  'leafFirst'?: (number);
  'leafEnd'?: (number);
  'leafCount'?: (number);
  'labelsDigest'?: (string);
  'correctionsDigest'?: (string);
  'ahead'?: (_seedgrow_v1_ReduceAhead | null);
}

export interface GradientJob__Output {
  'step': (number);
  'leafFirst': (number);
  'leafEnd': (number);
  'leafCount': (number);
  'labelsDigest': (string);
  'correctionsDigest': (string);
  'ahead': (_seedgrow_v1_ReduceAhead__Output | null);
}
