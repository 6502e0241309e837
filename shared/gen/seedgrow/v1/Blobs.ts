// Original file: proto/seedgrow/v1/blobs.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Chunk as _seedgrow_v1_Chunk, Chunk__Output as _seedgrow_v1_Chunk__Output } from '../../seedgrow/v1/Chunk.js';
import type { PullRequest as _seedgrow_v1_PullRequest, PullRequest__Output as _seedgrow_v1_PullRequest__Output } from '../../seedgrow/v1/PullRequest.js';

export interface BlobsClient extends grpc.Client {
  Pull(argument: _seedgrow_v1_PullRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_seedgrow_v1_Chunk__Output>;
  Pull(argument: _seedgrow_v1_PullRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_seedgrow_v1_Chunk__Output>;
  pull(argument: _seedgrow_v1_PullRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_seedgrow_v1_Chunk__Output>;
  pull(argument: _seedgrow_v1_PullRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_seedgrow_v1_Chunk__Output>;
  
}

export interface BlobsHandlers extends grpc.UntypedServiceImplementation {
  Pull: grpc.handleServerStreamingCall<_seedgrow_v1_PullRequest__Output, _seedgrow_v1_Chunk>;
  
}

export interface BlobsDefinition extends grpc.ServiceDefinition {
  Pull: MethodDefinition<_seedgrow_v1_PullRequest, _seedgrow_v1_Chunk, _seedgrow_v1_PullRequest__Output, _seedgrow_v1_Chunk__Output>
}
