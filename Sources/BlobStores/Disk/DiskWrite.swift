// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How bytes get into files: the seam where tests let a disk fill up.
package enum DiskWrite {
    /// Writes bytes to a descriptor as `write(2)` does.
    package typealias Call = @Sendable (CInt, UnsafeRawBufferPointer) -> Int

    package static let system: Call = { write($0, $1.baseAddress, $1.count) }
}
