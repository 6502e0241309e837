// Original file: proto/seedgrow/v1/worker.proto


export interface PingReply {
}

export interface PingReply__Output {
}
