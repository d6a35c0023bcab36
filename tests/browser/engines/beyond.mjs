// A checkpoint whose tensors all lie beyond 4 GiB: a hole in front of them, which takes no room on the disk.

import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";

/** Bytes of a tensor of nothing, which 32 bits still count, and how many of these lie in front: more than 32 bits count together. */
const PART = 3 * 2 ** 29;
const PARTS = 3;
const HOLE = PARTS * PART;

/** Writes the tensors of the file `from` into the file `to`, behind the hole. */
export function beyond(from, to) {
  const bytes = readFileSync(from);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const tensors = Object.entries(header).map(([name, entry]) =>
    name === "__metadata__" ? [name, entry] : [name, { ...entry, data_offsets: entry.data_offsets.map((at) => at + HOLE) }],
  );
  const hole = (i) => [`hole.${i}`, { dtype: "U8", shape: [PART], data_offsets: [i * PART, (i + 1) * PART] }];
  const holes = Array.from({ length: PARTS }, (_, i) => hole(i));
  const json = Buffer.from(JSON.stringify(Object.fromEntries([...holes, ...tensors])));
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
