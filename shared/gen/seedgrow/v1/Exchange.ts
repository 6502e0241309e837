// Original file: proto/seedgrow/v1/worker.proto

import type { Peer as _seedgrow_v1_Peer, Peer__Output as _seedgrow_v1_Peer__Output } from '../../seedgrow/v1/Peer.js';
import type { Output as _seedgrow_v1_Output, Output__Output as _seedgrow_v1_Output__Output } from '../../seedgrow/v1/Output.js';

export interface Exchange {
  'phase'?: (string);
  'step'?: (number);
  'specsDigest'?: (string);
  'holders'?: (_seedgrow_v1_Peer)[];
  'point'?: (_seedgrow_v1_Output)[];
  'hashSums'?: (boolean);
}

export interface Exchange__Output {
  'phase': (string);
  'step': (number);
  'specsDigest': (string);
  'holders': (_seedgrow_v1_Peer__Output)[];
  'point': (_seedgrow_v1_Output__Output)[];
  'hashSums': (boolean);
}
