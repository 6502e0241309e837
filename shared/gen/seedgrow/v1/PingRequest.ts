// Original file: proto/seedgrow/v1/worker.proto

import type { Lease as _seedgrow_v1_Lease, Lease__Output as _seedgrow_v1_Lease__Output } from '../../seedgrow/v1/Lease.js';

export interface PingRequest {
  'lease'?: (_seedgrow_v1_Lease | null);
}

export interface PingRequest__Output {
  'lease': (_seedgrow_v1_Lease__Output | null);
}
