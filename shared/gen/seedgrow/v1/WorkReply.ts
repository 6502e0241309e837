// Original file: proto/seedgrow/v1/worker.proto

import type { Output as _seedgrow_v1_Output, Output__Output as _seedgrow_v1_Output__Output } from '../../seedgrow/v1/Output.js';

export interface WorkReply {
  'outputs'?: (_seedgrow_v1_Output)[];
  'metricsJson'?: (string);
  'images'?: (number);
  'computeMs'?: (number | string);
  'waitMs'?: (number | string);
}

export interface WorkReply__Output {
  'outputs': (_seedgrow_v1_Output__Output)[];
  'metricsJson': (string);
  'images': (number);
  'computeMs': (number);
  'waitMs': (number);
}
