using System.Runtime.InteropServices;

namespace Onward.Mpi;

/// <summary>The MPI library of this machine and the handles that its header defines by name.</summary>
/// <remarks>
/// Open MPI 4 and 5 export their handles as symbols. MPICH, and the libraries that share its binary interface (Intel MPI,
/// MVAPICH), use fixed numbers.
/// </remarks>
internal sealed class MpiLibrary
{
    /// <summary>Environment variable with the library file to use instead of the default ones.</summary>
    internal const string Variable = "ONWARD_MPI";

    private const string FirstCall = "MPI_Init_thread";

    private static readonly string[] Names =
    [
        "libmpi.so.40",
        "libmpich.so.12",
        "libmpi.so.12",
        "libmpi.40.dylib",
        "libmpi.12.dylib",
        "libmpi.so",
    ];

    private static readonly Lazy<nint> Loaded = new(Load);

    /// <summary>Looks up the handles.</summary>
    internal MpiLibrary()
    {
        if (NativeLibrary.TryGetExport(Handle, "ompi_mpi_comm_world", out nint world))
        {
            (World, InPlace, IgnoredStatus) = (world, 1, 0);
            (Byte, Float, Double, Sum) = (
                Symbol("ompi_mpi_byte"), Symbol("ompi_mpi_float"), Symbol("ompi_mpi_double"), Symbol("ompi_mpi_op_sum"));
        }
        else
        {
            (World, InPlace, IgnoredStatus) = (0x44000000, -1, 1);
            (Byte, Float, Double, Sum) = (0x4c00010d, 0x4c00040a, 0x4c00080b, 0x58000003);
        }
    }

    /// <summary>The native library, loaded on first use.</summary>
    /// <exception cref="MpiException">There is no MPI library.</exception>
    internal static nint Handle => Loaded.Value;

    /// <summary>The group of all processes (MPI_COMM_WORLD).</summary>
    internal nint World { get; }

    /// <summary>Marks a buffer that holds both input and result (MPI_IN_PLACE).</summary>
    internal nint InPlace { get; }

    /// <summary>Marks a status that is not needed (MPI_STATUS_IGNORE).</summary>
    internal nint IgnoredStatus { get; }

    internal nint Byte { get; }

    internal nint Float { get; }

    internal nint Double { get; }

    internal nint Sum { get; }

    private static nint Load()
    {
        string? named = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text ? text : null;
        IReadOnlyList<string> names = named is null ? Names : [named];
        nint library = names.Select(Open).FirstOrDefault(library => library != 0 && NativeLibrary.TryGetExport(library, FirstCall, out _));
        if (library != 0)
        {
            return library;
        }

        if (named is not null && Open(named) != 0)
        {
            throw new MpiException(
                $"${Variable} names {named}, which is not an MPI library: it has no {FirstCall}. "
                + "Name the file of one, such as libmpi.so.40, or unset the variable.");
        }

        throw new MpiException(
            $"no MPI library was found (looked for {string.Join(", ", names)}). "
            + $"Install Open MPI 4 or 5 (Debian: openmpi-bin), or name the library's file in ${Variable}.");
    }

    // Returns 0 if there is no such library. It is opened globally because Open MPI's plugins look up its symbols in the process.
    private static nint Open(string name)
    {
        const int Now = 2, Global = 0x100;
        nint library = OperatingSystem.IsLinux() ? DynamicLinker.Open(name, Now | Global) : 0;
        return library != 0 || NativeLibrary.TryLoad(name, out library) ? library : 0;
    }

    private static nint Symbol(string name) => NativeLibrary.GetExport(Handle, name);
}

/// <summary>The system's dynamic loader, for a flag that .NET's loader does not offer.</summary>
internal static partial class DynamicLinker
{
    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint Open(string name, int flags);
}
