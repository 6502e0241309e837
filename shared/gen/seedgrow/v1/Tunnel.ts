// Original file: proto/seedgrow/v1/tunnel.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Frame as _seedgrow_v1_Frame, Frame__Output as _seedgrow_v1_Frame__Output } from '../../seedgrow/v1/Frame.js';

export interface TunnelClient extends grpc.Client {
  Open(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_seedgrow_v1_Frame, _seedgrow_v1_Frame__Output>;
  Open(options?: grpc.CallOptions): grpc.ClientDuplexStream<_seedgrow_v1_Frame, _seedgrow_v1_Frame__Output>;
  open(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_seedgrow_v1_Frame, _seedgrow_v1_Frame__Output>;
  open(options?: grpc.CallOptions): grpc.ClientDuplexStream<_seedgrow_v1_Frame, _seedgrow_v1_Frame__Output>;
  
}

export interface TunnelHandlers extends grpc.UntypedServiceImplementation {
  Open: grpc.handleBidiStreamingCall<_seedgrow_v1_Frame__Output, _seedgrow_v1_Frame>;
  
}

export interface TunnelDefinition extends grpc.ServiceDefinition {
  Open: MethodDefinition<_seedgrow_v1_Frame, _seedgrow_v1_Frame, _seedgrow_v1_Frame__Output, _seedgrow_v1_Frame__Output>
}
