// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore
import NIOCore

/// A temporary file whose closing can be seen.
final class TestFile: BlobFile {
    let descriptor: CInt
    let path: String
    private let isOpen: Shared<Bool>

    init(_ bytes: [UInt8], isOpen: Shared<Bool> = Shared(false)) throws {
        var template = Array("/tmp/magpie-delivery-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count else { throw TestFailure("no file") }
        self.isOpen = isOpen
        isOpen.update { $0 = true }
    }

    func stream(_ range: Range<Int64>) -> ByteStream { ByteStream(ByteBuffer()) }

    deinit {
        close(descriptor)
        unlink(path)
        isOpen.update { $0 = false }
    }

    /// A pattern whose period is no power of two, so that a chunk in the wrong place shows.
    static func bytes(_ count: Int) -> [UInt8] {
        var bytes = (0..<251).map { UInt8($0) }
        while bytes.count < count { bytes += bytes }
        return Array(bytes.prefix(count))
    }

    /// Leaves only its first bytes.
    func truncate(to count: Int) throws {
        guard ftruncate(descriptor, off_t(count)) == 0 else { throw TestFailure("not truncated") }
    }

    /// Has the kernel forget its bytes, so that they have to be read from the disk again.
    func evict() throws {
        guard fsync(descriptor) == 0, posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0 else {
            throw TestFailure("not evicted")
        }
    }
}
