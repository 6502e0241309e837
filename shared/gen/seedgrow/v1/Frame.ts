// Original file: proto/seedgrow/v1/tunnel.proto


export interface Frame {
  'connection'?: (number);
  'data'?: (Buffer | Uint8Array | string);
  'end'?: (boolean);
}

export interface Frame__Output {
  'connection': (number);
  'data': (Buffer);
  'end': (boolean);
}
