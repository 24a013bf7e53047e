// SPDX-License-Identifier: Apache-2.0

import MediaCore
import VipsShim

/// The library, started once in a process.
///
/// One thread computes an image: many images at once are what the threads of `RenderThreads` are for. Nothing is cached between
/// images. Of what libvips does not trust with foreign bytes only JPEG XL is allowed again. The loader of SVG stays blocked: librsvg
/// ends the process on documents that it finds contradictory, and can't be stopped.
enum VipsRuntime {
    /// Of libvips, as `8.14.1`. Reading it starts the library.
    static let version: Result<String, StorageError> = {
        guard vs_start() == 0 else {
            return .failure(StorageError(.internal, "libvips does not start", cause: VipsFailure.taken()))
        }
        for name in ["VipsForeignLoadJxl", "VipsForeignSaveJxl"] { vs_unblock(name) }
        return .success(String(cString: vs_version()))
    }()
}

/// What libvips says went wrong, for the log only: it names files, lines and libraries, and with several images at once it may speak
/// of another one of them.
struct VipsFailure: Error, CustomStringConvertible {
    var message: String

    var description: String { message }

    /// What is in the process's error buffer, which is empty afterwards.
    static func taken() -> VipsFailure {
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1024) { buffer in
            let count = vs_take_error(buffer.baseAddress, buffer.count)
            return String(decoding: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]), as: UTF8.self)
        }
        return VipsFailure(message: text.split(separator: "\n").joined(separator: "; "))
    }
}
