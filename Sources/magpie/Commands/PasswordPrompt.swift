// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Asks for a password at a terminal, where it is not shown, or takes the first line of standard input.
enum PasswordPrompt {
    /// - Parameter twice: at a terminal, to find what was mistyped.
    /// - Throws: `ConfigurationError` when there is none, or the two differ.
    static func read(twice: Bool) throws -> String {
        guard isatty(STDIN_FILENO) == 1 else { return try line() }
        let password = try ask("Password: ")
        if twice, try ask("Again: ") != password { throw ConfigurationError("the passwords differ") }
        return password
    }

    private static func ask(_ question: String) throws -> String {
        StandardError.write(question)
        var former = termios()
        guard tcgetattr(STDIN_FILENO, &former) == 0 else {
            throw ConfigurationError("the terminal can't be asked for a password")
        }
        var silent = former
        silent.c_lflag &= ~tcflag_t(ECHO)
        guard tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0 else {
            throw ConfigurationError("the terminal can't be asked for a password")
        }
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &former)
            StandardError.write("\n")
        }
        return try line()
    }

    private static func line() throws -> String {
        guard let line = readLine(strippingNewline: true), !line.isEmpty else {
            throw ConfigurationError("a password must be given, as the first line of standard input")
        }
        return line
    }
}
