// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BlobStores
import Logging
import MediaCore
import PostgresMetadata
import WireFormats

/// Brings files and objects from elsewhere.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Imports a directory of media, or a Supabase Storage.",
        discussion: """
            Works while the server runs, and without. What was imported before is not imported again, so an import that was cut short is \
            run again. Exits with 1 when something failed.
            """,
        subcommands: [Directory.self, Supabase.self])

    /// What policies are told is done.
    fileprivate static let operation = Operation("magpie.import")

    struct Directory: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes assets of the media in a directory and those below it.",
            discussion: """
                A file is known again by its name, its folder and its bytes. What is no media is skipped, and symbolic links are not followed.
                """)

        @OptionGroup var common: CommonOptions

        @Argument(help: "The directory.")
        var path: String

        @Option(help: "The project.")
        var project: String

        @Option(help: "Where the assets are filed.")
        var folder = ""

        @Flag(help: "Make folders of the directories, below the folder.")
        var keepPaths = false

        @Flag(help: "Only look what there is to import.")
        var dryRun = false

        @Option(help: "How many files at a time.")
        var parallel = 4

        func validate() throws { try ImportCommand.check(parallel) }

        func run() async throws {
            let directory = try FileDirectory(at: path)
            let place = try FolderPath(folder)
            let summary = try await OpenStorage.with(common, for: ImportCommand.operation, looks: true) { target in
                try await DirectoryImport(
                    directory: directory, target: target, project: BucketID(existing: project), folder: place,
                    keepsPaths: keepPaths, isDryRun: dryRun, parallelism: parallel
                ).run()
            }
            try await directory.close()
            try ImportCommand.report(summary, isDryRun: dryRun)
        }
    }

    struct Supabase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Imports buckets and objects of a Supabase Storage: its rows and its files, which are only read.",
            discussion: """
                Names, owners, metadata, versions and dates stay as they are. The files are in the directory of its file backend, or in its S3 \
                bucket, whose secret access key is read from standard input.
                """)

        @OptionGroup var common: CommonOptions
        @OptionGroup var source: SupabaseSource

        @Option(help: "Only this bucket; may be given several times.")
        var bucket: [String] = []

        @Flag(help: "Overwrite objects that are others here. What is here only always stays.")
        var replace = false

        @Flag(
            help: "Do not compare tags that look like an MD5 with the bytes: with some encryption of S3 they are something else.")
        var ignoreTags = false

        @Flag(help: "Only look what there is to import, and whether its files are there.")
        var dryRun = false

        @Option(help: "How many objects at a time.")
        var parallel = 4

        func validate() throws { try ImportCommand.check(parallel) }

        func run() async throws {
            let summary = try await source.with { database, files in
                try await OpenStorage.with(common, for: ImportCommand.operation, looks: false) { target in
                    let options = ObjectTransfer.Options(replaces: replace, checksTags: !ignoreTags, isDryRun: dryRun)
                    return try await SupabaseImport(
                        database: database, files: files,
                        transfer: ObjectTransfer(target.storage, options: options, as: target.caller), parallelism: parallel,
                        isDryRun: dryRun
                    ).run(bucket)
                }
            }
            try ImportCommand.report(summary, isDryRun: dryRun)
        }
    }

    static func check(_ parallel: Int) throws {
        guard (1...64).contains(parallel) else { throw ValidationError("--parallel must be from 1 to 64") }
    }

    static func report(_ summary: ImportRun.Summary, isDryRun: Bool) throws {
        print(summary.line(isDryRun: isDryRun))
        if summary.failed > 0 { throw ExitCode.failure }
    }
}

/// Where a Supabase Storage is.
struct SupabaseSource: ParsableArguments {
    @Option(help: "The URL of its PostgreSQL. A password may also come from PGPASSWORD or ~/.pgpass.")
    var database: String

    @Option(help: "The directory of its file backend (FILE_STORAGE_BACKEND_PATH).")
    var files: String?

    @Option(help: "The URL of its S3 service.")
    var s3Endpoint: String?

    @Option(help: "Its bucket there.")
    var s3Bucket: String?

    @Option(help: "The region that requests are signed for.")
    var s3Region = "us-east-1"

    @Option(help: "The access key id.")
    var s3AccessKey: String?

    @Option(help: "What stands before the buckets' names in the directory or bucket; found out when not given.")
    var tenant: String?

    func validate() throws {
        switch (files, s3Endpoint, s3Bucket, s3AccessKey) {
        case (.some, nil, nil, nil), (nil, .some, .some, .some): break
        default: throw ValidationError("Give --files, or --s3-endpoint, --s3-bucket and --s3-access-key")
        }
    }

    func with<Value: Sendable>(_ body: (SupabaseDatabase, SupabaseFiles) async throws -> Value) async throws -> Value {
        let place = try place()
        let rows = try SupabaseDatabase(connectionString: database, logger: .forCommand())
        let found: SupabaseFiles
        do {
            found = try await SupabaseFiles(place, tenant: tenant)
            let value = try await body(rows, found)
            try await found.close()
            await rows.close()
            return value
        } catch {
            await rows.close()
            throw error
        }
    }

    private func place() throws -> SupabaseFiles.Place {
        if let files { return .directory(try FileDirectory(at: files)) }
        guard let url = s3Endpoint, let s3Bucket, let s3AccessKey, let endpoint = ServiceEndpoint(url) else {
            throw ConfigurationError("--s3-endpoint must be a URL such as https://s3.example.com")
        }
        let secret = try StandardInput.secret("the secret access key")
        return .bucket(
            CustomerBlobStore(
                S3Configuration(
                    endpoint: endpoint, region: s3Region, bucket: s3Bucket,
                    credentials: RequestSigner.Credentials(accessKeyID: s3AccessKey, secretAccessKey: secret))))
    }
}
