// Original file: proto/seedgrow/v1/worker.proto

import type { Peer as _seedgrow_v1_Peer, Peer__Output as _seedgrow_v1_Peer__Output } from '../../seedgrow/v1/Peer.js';
import type { Long } from '@grpc/proto-loader';

export interface Slice {
  'first'?: (number | string | Long);
  'end'?: (number | string | Long);
  'peer'?: (_seedgrow_v1_Peer | null);
}

export interface Slice__Output {
  'first': (number);
  'end': (number);
  'peer': (_seedgrow_v1_Peer__Output | null);
}
