import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { BlobsClient as _seedgrow_v1_BlobsClient, BlobsDefinition as _seedgrow_v1_BlobsDefinition } from './seedgrow/v1/Blobs.js';
import type { Chunk as _seedgrow_v1_Chunk, Chunk__Output as _seedgrow_v1_Chunk__Output } from './seedgrow/v1/Chunk.js';
import type { PeersClient as _seedgrow_v1_PeersClient, PeersDefinition as _seedgrow_v1_PeersDefinition } from './seedgrow/v1/Peers.js';
import type { PullRequest as _seedgrow_v1_PullRequest, PullRequest__Output as _seedgrow_v1_PullRequest__Output } from './seedgrow/v1/PullRequest.js';
import type { VectorRequest as _seedgrow_v1_VectorRequest, VectorRequest__Output as _seedgrow_v1_VectorRequest__Output } from './seedgrow/v1/VectorRequest.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  seedgrow: {
    v1: {
      Blobs: SubtypeConstructor<typeof grpc.Client, _seedgrow_v1_BlobsClient> & { service: _seedgrow_v1_BlobsDefinition }
      Chunk: MessageTypeDefinition<_seedgrow_v1_Chunk, _seedgrow_v1_Chunk__Output>
      Peers: SubtypeConstructor<typeof grpc.Client, _seedgrow_v1_PeersClient> & { service: _seedgrow_v1_PeersDefinition }
      PullRequest: MessageTypeDefinition<_seedgrow_v1_PullRequest, _seedgrow_v1_PullRequest__Output>
      VectorRequest: MessageTypeDefinition<_seedgrow_v1_VectorRequest, _seedgrow_v1_VectorRequest__Output>
    }
  }
}

