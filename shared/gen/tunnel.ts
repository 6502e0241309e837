import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { Frame as _seedgrow_v1_Frame, Frame__Output as _seedgrow_v1_Frame__Output } from './seedgrow/v1/Frame.js';
import type { TunnelClient as _seedgrow_v1_TunnelClient, TunnelDefinition as _seedgrow_v1_TunnelDefinition } from './seedgrow/v1/Tunnel.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  seedgrow: {
    v1: {
      Frame: MessageTypeDefinition<_seedgrow_v1_Frame, _seedgrow_v1_Frame__Output>
      Tunnel: SubtypeConstructor<typeof grpc.Client, _seedgrow_v1_TunnelClient> & { service: _seedgrow_v1_TunnelDefinition }
    }
  }
}

