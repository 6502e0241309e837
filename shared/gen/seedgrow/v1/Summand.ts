// Original file: proto/seedgrow/v1/worker.proto

import type { Peer as _seedgrow_v1_Peer, Peer__Output as _seedgrow_v1_Peer__Output } from '../../seedgrow/v1/Peer.js';

export interface Summand {
  'node'?: (string);
  'peer'?: (_seedgrow_v1_Peer | null);
  'key'?: (string);
}

export interface Summand__Output {
  'node': (string);
  'peer': (_seedgrow_v1_Peer__Output | null);
  'key': (string);
}
