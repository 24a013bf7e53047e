-- SPDX-License-Identifier: Apache-2.0
-- The checksums of the parts that an object was uploaded in. A column of its own, which reads of objects leave out: of ten thousand parts
-- it is large.

-- The algorithm and one value a part: `CRC32:NSRBwg==,Y0zQ9g==`. NULL where the client chose no checksum.
ALTER TABLE magpie.blobs ADD COLUMN IF NOT EXISTS part_checksums text;
