-- SPDX-License-Identifier: Apache-2.0
-- Downloads that do not pass through the server.

-- Clients are sent to the store itself for objects of at least so many bytes. NULL: never.
ALTER TABLE magpie.bucket_settings ADD COLUMN IF NOT EXISTS direct_from bigint CHECK (direct_from >= 0);
