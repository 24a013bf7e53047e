// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore

/// A blob's file, open for reading until the last reference goes.
final class LocalBlobFile: BlobFile {
    let descriptor: CInt

    /// Takes the descriptor over.
    init(descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }
}
