using System.Runtime.InteropServices;

namespace Onward.Formats;

/// <summary>
/// The native library that .NET takes SHA-256, MD5 and HTTPS from on Linux. Where it is missing, .NET aborts the process at the first use,
/// which no handler catches: so <see cref="IsMissing"/> must be asked before.
/// </summary>
public static class OpenSsl
{
    /// <summary>Says how to install the library.</summary>
    public const string Cure = "Install OpenSSL (package libssl3 of Debian and Alpine, openssl-libs of Fedora)";

    // Those that .NET tries, in its order.
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
