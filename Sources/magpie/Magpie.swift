// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct Magpie: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "magpie", abstract: "A self-hosted media storage server.")
}
