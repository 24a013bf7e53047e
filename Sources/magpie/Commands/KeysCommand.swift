// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Prints the server's URL and keys. Works while the server runs, and before its first start.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "As one JSON object.")
    var json = false

    func run() async throws {
        let configuration = try await common.configuration()
        let secrets = try await Secrets.load(configuration)
        let url = configuration.publicURL ?? RunningServer.url(in: configuration.dataDirectory) ?? configuration.url
        let rows = [
            ("url", url), ("anonKey", secrets.anonKey), ("serviceKey", secrets.serviceKey),
            ("jwtSecret", secrets.jwtSecret), ("s3AccessKey", secrets.s3AccessKey), ("s3SecretKey", secrets.s3SecretKey),
            ("s3Region", secrets.s3Region), ("publishableKey", secrets.publishableKey), ("secretKey", secrets.secretKey),
        ]
        Table.show(rows, json: json)
    }
}
