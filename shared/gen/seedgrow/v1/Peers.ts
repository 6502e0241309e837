// Original file: proto/seedgrow/v1/peers.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Chunk as _seedgrow_v1_Chunk, Chunk__Output as _seedgrow_v1_Chunk__Output } from '../../seedgrow/v1/Chunk.js';
import type { VectorRequest as _seedgrow_v1_VectorRequest, VectorRequest__Output as _seedgrow_v1_VectorRequest__Output } from '../../seedgrow/v1/VectorRequest.js';

export interface PeersClient extends grpc.Client {
  Pull(argument: _seedgrow_v1_VectorRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_seedgrow_v1_Chunk__Output>;
  Pull(argument: _seedgrow_v1_VectorRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_seedgrow_v1_Chunk__Output>;
  pull(argument: _seedgrow_v1_VectorRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_seedgrow_v1_Chunk__Output>;
  pull(argument: _seedgrow_v1_VectorRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_seedgrow_v1_Chunk__Output>;
  
}

export interface PeersHandlers extends grpc.UntypedServiceImplementation {
  Pull: grpc.handleServerStreamingCall<_seedgrow_v1_VectorRequest__Output, _seedgrow_v1_Chunk>;
  
}

export interface PeersDefinition extends grpc.ServiceDefinition {
  Pull: MethodDefinition<_seedgrow_v1_VectorRequest, _seedgrow_v1_Chunk, _seedgrow_v1_VectorRequest__Output, _seedgrow_v1_Chunk__Output>
}
