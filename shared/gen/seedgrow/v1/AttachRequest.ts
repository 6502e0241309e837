// Original file: proto/seedgrow/v1/worker.proto

import type { Lease as _seedgrow_v1_Lease, Lease__Output as _seedgrow_v1_Lease__Output } from '../../seedgrow/v1/Lease.js';

export interface AttachRequest {
  'lease'?: (_seedgrow_v1_Lease | null);
  'coordinatorAddress'?: (string);
  'setupDigest'?: (string);
}

export interface AttachRequest__Output {
  'lease': (_seedgrow_v1_Lease__Output | null);
  'coordinatorAddress': (string);
  'setupDigest': (string);
}
