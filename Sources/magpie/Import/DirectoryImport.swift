// SPDX-License-Identifier: Apache-2.0

import BlobStores
import HTTPFrontends
import MediaCore

/// Makes assets of the media in a directory and those below it. Nothing there is touched, and symbolic links are not followed.
struct DirectoryImport: Sendable {
    let directory: FileDirectory
    let target: OpenStorage
    let project: BucketID
    /// Where the assets are filed.
    let folder: FolderPath
    /// Whether directories become folders below that.
    let keepsPaths: Bool
    let isDryRun: Bool
    let parallelism: Int

    func run() async throws -> ImportRun.Summary {
        guard try await target.storage.projects.list().contains(where: { $0.id == project }) else {
            throw ConfigurationError("there is no project \(project)")
        }
        let progress = ImportProgress(total: nil)
        let walk = FileWalk(directory)
        let summary = try await ImportRun(parallelism: parallelism, progress: progress).run(
            { try await walk.next { path, error in progress.say("failed   \(path): \(Failure.line(error))") } },
            name: { $0.path }
        ) { try await take($0) }
        progress.finish()
        return await walk.adding(to: summary)
    }

    private func take(_ found: FileWalk.File) async throws -> ImportRun.Outcome {
        let name = String(found.path.split(separator: "/").last ?? "")
        let parents = found.path.split(separator: "/").dropLast().joined(separator: "/")
        let file = try await ImportedFile(
            reading: try await directory.open(found.path), name: name,
            folder: keepsPaths ? try FolderPath("\(folder)/\(parents)") : folder, modifiedAt: found.modifiedAt)
        let outcome = try await target.storage.assets.take(
            file, into: project, isDryRun: isDryRun, isReservedName: { PixaultNames.isReserved($0) }, as: target.caller
        ) { try await directory.open(found.path) }
        return switch outcome {
        case .imported: .imported(bytes: file.size)
        case .present: .present
        case .skipped: .skipped
        }
    }
}

/// The regular files of a directory and those below it, in byte order of their paths, directory by directory.
private actor FileWalk {
    struct File: Hashable, Sendable {
        /// Relative to the directory.
        var path: String
        var modifiedAt: Timestamp
    }

    private let directory: FileDirectory
    private var directories = [""]
    private var files: [File] = []
    private var failed = 0

    init(_ directory: FileDirectory) { self.directory = directory }

    /// Asked by one task.
    /// - Parameter report: told of directories that can't be read.
    func next(_ report: (String, any Error) -> Void) async throws -> File? {
        while files.isEmpty, let path = directories.popLast() {
            do {
                try await read(path)
            } catch let error as StorageError where !path.isEmpty {
                failed += 1
                report(path, error)
            }
        }
        return files.popLast()
    }

    private func read(_ path: String) async throws {
        let entries = try await directory.entries(of: path)
        func inside(_ name: String) -> String { path.isEmpty ? name : "\(path)/\(name)" }
        files = entries.filter { $0.kind == .file }.reversed()
            .map { File(path: inside($0.name), modifiedAt: $0.modifiedAt) }
        directories += entries.filter { $0.kind == .directory }.reversed().map { inside($0.name) }
    }

    /// The directories that could not be read count as failed.
    func adding(to summary: ImportRun.Summary) -> ImportRun.Summary {
        var summary = summary
        summary.failed += failed
        return summary
    }
}
