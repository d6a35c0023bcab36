// A checkpoint whose tensors all lie beyond 4 GiB: a hole in front of them, which takes no room on the disk.

import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";

/** Bytes of the hole: more than 32 bits can count. */
const HOLE = 2 ** 32 + 2 ** 29;

/** Writes the tensors of the file `from` into the file `to`, behind the hole. */
export function beyond(from, to) {
  const bytes = readFileSync(from);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const tensors = Object.entries(header).map(([name, entry]) =>
    name === "__metadata__" ? [name, entry] : [name, { ...entry, data_offsets: entry.data_offsets.map((at) => at + HOLE) }],
  );
  const json = Buffer.from(JSON.stringify({ hole: { dtype: "U8", shape: [HOLE], data_offsets: [0, HOLE] }, ...Object.fromEntries(tensors) }));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  const file = openSync(to, "w");
  writeSync(file, size);
  writeSync(file, json);
  const data = bytes.subarray(8 + length);
  writeSync(file, data, 0, data.length, 8 + json.length + HOLE);
  ftruncateSync(file, 8 + json.length + HOLE + data.length);
  closeSync(file);
}
