using System.Runtime.InteropServices;

namespace Onward.Formats;

/// <summary>The native library that .NET uses on Linux for SHA-256, MD5 and HTTPS.</summary>
/// <remarks>
/// If it is missing, .NET aborts the process at the first use, and no handler can catch that. So check <see cref="IsMissing"/>
/// first.
/// </remarks>
public static class OpenSsl
{
    /// <summary>Instruction to install the library, for messages.</summary>
    public const string Cure = "Install OpenSSL (package libssl3 of Debian and Alpine, openssl-libs of Fedora)";

    // The versions that .NET tries, in its order.
    private static readonly string[] Versions = ["3", "1.1", "1.0.2", "1.0.0", "10"];

    private static readonly Lazy<bool> Missing = new(() => !UsesOther && !Names().Any(name => NativeLibrary.TryLoad(name, out _)));

    /// <summary>True if .NET needs the library on this system and finds none.</summary>
    public static bool IsMissing => Missing.Value;

    private static bool UsesOther => OperatingSystem.IsWindows() || OperatingSystem.IsMacOS();

    private static IEnumerable<string> Names() => Versions
        .Prepend(Environment.GetEnvironmentVariable("DOTNET_OPENSSL_VERSION_OVERRIDE") ?? "")
        .Where(version => version.Length > 0)
        .Select(version => $"libssl.so.{version}");
}
