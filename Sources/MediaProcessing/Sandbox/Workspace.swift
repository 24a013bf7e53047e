// SPDX-License-Identifier: Apache-2.0

import Glibc
import MediaCore
import NIOCore
import Synchronization

/// A directory, and the tools that work in it.
final class Workspace: ConversionWorkspace {
    let directory: ScratchDirectory
    let sandbox: Sandbox
    let account: ToolAccount
    let threads: FileThreads
    let renderers: RenderThreads
    private let serial = Atomic<UInt64>(0)
    /// The portable form of each PostScript file that was run already, by its name.
    private let documents = Mutex<[String: PortableDocument]>([:])

    var limits: ConversionLimits { sandbox.limits }

    init(
        _ directory: ScratchDirectory, sandbox: Sandbox, for account: ToolAccount, threads: FileThreads, renderers: RenderThreads
    ) {
        self.directory = directory
        self.sandbox = sandbox
        self.account = account
        self.threads = threads
        self.renderers = renderers
    }

    func freshName(_ suffix: String = "") -> String {
        "\(serial.wrappingAdd(1, ordering: .relaxed).newValue)\(suffix)"
    }

    func path(of file: WorkFile) -> String { directory.path + "/" + file.name }

    func document(of file: WorkFile) -> PortableDocument? { documents.withLock { $0[file.name] } }
    func keep(_ document: PortableDocument, of file: WorkFile) { documents.withLock { $0[file.name] = document } }

    // MARK: Files

    func receive(_ body: ByteStream, limit: Int64) async throws -> WorkFile {
        if let length = body.length, length > limit { throw StorageError.tooLarge("file") }
        let name = freshName()
        let file = try await threads.run { [directory] in try directory.createFile(name) }
        var size: Int64 = 0
        var batch = ByteBuffer()
        for try await chunk in body.chunks {
            size += Int64(chunk.readableBytes)
            guard size <= limit else { throw StorageError.tooLarge("file") }
            batch.writeImmutableBuffer(chunk)
            guard batch.readableBytes >= Self.batchBytes else { continue }
            try await threads.run { [batch] in try file.append(batch) }
            batch.clear()
        }
        // Some streams simply end when their task is cancelled. That is no complete body.
        try Task.checkCancellation()
        if let length = body.length, length != size {
            throw StorageError(.lengthMismatch, "The body does not have the announced length of \(length) bytes")
        }
        try await threads.run { [batch] in try file.append(batch) }
        return WorkFile(name: name, size: size)
    }

    private static let batchBytes = 512 << 10

    func contents(of file: WorkFile) async throws -> ByteStream {
        let opened = try await threads.run { [directory] in try directory.openFile(file.name) }
        return ByteStream(length: file.size, chunks: FileChunks(file: opened, length: file.size, threads: threads))
    }

    func head(of file: WorkFile, count: Int) async throws -> ByteBuffer {
        let count = Int(min(Int64(count), file.size))
        return try await threads.run { [directory] in try directory.openFile(file.name).read(at: 0, count: count) }
    }

    func discard(_ file: WorkFile) async throws {
        let document = documents.withLock { $0.removeValue(forKey: file.name) }
        let names = [file.name] + (document.map { [$0.file.name] } ?? [])
        try await threads.run { [directory] in for name in names { try directory.removeFile(name) } }
    }

    // MARK: Tools

    /// Runs a tool on a file and takes what it made.
    /// - Parameters:
    ///   - made: the name under which the tool writes its result. Nil: what it prints is all.
    ///   - mediaType: of the result.
    /// - Returns: how it ended, and its result if there is one.
    func run(
        _ tool: Tool, on file: WorkFile?, making made: String? = nil, _ mediaType: String? = nil,
        _ arguments: @escaping @Sendable (ToolPaths) -> [String]
    ) async throws -> (result: ToolResult, file: WorkFile?) {
        let name = freshName("-run")
        let owner = sandbox.freshOwner()
        let output = try await threads.run { [directory] in
            let output = try directory.makeDirectory(name)
            if let owner { try output.give(to: owner) }
            return output
        }
        let outcome: Result<(ToolResult, WorkFile?), any Error>
        do {
            let run = ToolRun(tool, input: file.map(path(of:)), arguments: arguments)
            let result = try await sandbox.run(
                run, output: OutputDirectory(directory: output, owner: owner, threads: threads), for: account)
            var file: WorkFile?
            if let made { file = try await take(made, from: output, mediaType) }
            outcome = .success((result, file))
        } catch {
            outcome = .failure(error)
        }
        try await threads.run { [directory] in try directory.removeDirectory(name) }
        return try outcome.get()
    }

    /// Takes a tool's result out of its reach and then looks at it.
    private func take(_ made: String, from output: ScratchDirectory, _ mediaType: String?) async throws -> WorkFile? {
        let name = freshName()
        let limit = limits.output
        return try await threads.run { [directory] in
            guard try directory.take(made, from: output, as: name) else { return nil }
            do {
                let file = try directory.openFile(name)
                try ScratchDirectory.check("chmod") { fchmod(file.descriptor, 0o644) }
                if try file.status().st_uid != geteuid() {
                    try ScratchDirectory.check("chown") { fchown(file.descriptor, geteuid(), getegid()) }
                }
                let size = try file.size()
                guard size <= limit else { throw ToolEnd.outputTooLarge }
                return WorkFile(name: name, size: size, mediaType: mediaType)
            } catch let failure as ScratchFailure {
                // No file, or one with another name: no tool makes that by itself.
                throw ConversionFailure(.unreadable, "The file can't be converted", detail: "result: \(failure)")
            }
        }
    }

    /// Runs work on pixels on a thread for that, at most as long as a tool.
    func render<Value: Sendable>(_ work: @escaping @Sendable (WatchedImages) throws -> Value) async throws -> Value {
        let timeout = TimeAmount(limits.timeout)
        let watch = RenderWatch(deadline: .now() + timeout)
        return try await renderers.run(watch) {
            do {
                let images = WatchedImages(watch)
                return try withExtendedLifetime(images) { try work(images) }
            } catch let failure as VipsFailure {
                // What was stopped fails like what is broken.
                do {
                    try watch.check()
                } catch is StorageError {
                    throw ToolEnd.timedOut
                }
                throw ConversionFailure(.unreadable, "The picture of the page can't be read", detail: "\(failure)")
            }
        }
    }
}
