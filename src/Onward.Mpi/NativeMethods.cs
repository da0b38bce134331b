using System.Runtime.InteropServices;

namespace Onward.Mpi;

/// <summary>
/// The MPI functions that Onward calls. Handles are pointers in Open MPI and 32-bit numbers in MPICH; a native integer holds
/// both.
/// </summary>
internal static partial class NativeMethods
{
    private const string Library = "mpi";

    /// <summary>Thread level MPI_THREAD_SERIALIZED: several threads may call MPI, but only one at a time.</summary>
    internal const int ThreadSerialized = 2;

    static NativeMethods() =>
        NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, (name, _, _) => name == Library ? MpiLibrary.Handle : 0);

    [LibraryImport(Library, EntryPoint = "MPI_Init_thread")]
    internal static partial int InitThread(nint argc, nint argv, int required, out int provided);

    [LibraryImport(Library, EntryPoint = "MPI_Finalize")]
    internal static partial int Finish();

    [LibraryImport(Library, EntryPoint = "MPI_Abort")]
    internal static partial int Abort(nint comm, int code);

    [LibraryImport(Library, EntryPoint = "MPI_Get_library_version")]
    internal static partial int GetLibraryVersion(ref byte text, out int length);

    [LibraryImport(Library, EntryPoint = "MPI_Comm_rank")]
    internal static partial int CommRank(nint comm, out int rank);

    [LibraryImport(Library, EntryPoint = "MPI_Comm_size")]
    internal static partial int CommSize(nint comm, out int size);

    [LibraryImport(Library, EntryPoint = "MPI_Comm_split")]
    internal static partial int CommSplit(nint comm, int colour, int key, ref nint result);

    [LibraryImport(Library, EntryPoint = "MPI_Comm_free")]
    internal static partial int CommFree(ref nint comm);

    [LibraryImport(Library, EntryPoint = "MPI_Iallreduce")]
    internal static partial int Iallreduce(
        ref byte send, ref byte receive, int count, nint type, nint operation, nint comm, ref nint request);

    [LibraryImport(Library, EntryPoint = "MPI_Isend")]
    internal static partial int Isend(ref byte values, int count, nint type, int receiver, int tag, nint comm, ref nint request);

    [LibraryImport(Library, EntryPoint = "MPI_Irecv")]
    internal static partial int Irecv(ref byte values, int count, nint type, int sender, int tag, nint comm, ref nint request);

    [LibraryImport(Library, EntryPoint = "MPI_Allgatherv")]
    internal static partial int Allgatherv(
        nint send, int sendCount, nint sendType, ref byte receive, ref int counts, ref int starts, nint type, nint comm);

    [LibraryImport(Library, EntryPoint = "MPI_Bcast")]
    internal static partial int Bcast(ref byte values, int count, nint type, int root, nint comm);

    [LibraryImport(Library, EntryPoint = "MPI_Wait")]
    internal static partial int Wait(ref nint request, nint status);

    [LibraryImport(Library, EntryPoint = "MPI_Test")]
    internal static partial int Test(ref nint request, out int flag, nint status);
}
