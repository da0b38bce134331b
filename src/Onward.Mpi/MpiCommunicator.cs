using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Onward.Communication;

namespace Onward.Mpi;

/// <summary>The processes that <c>mpirun</c> started together. By MPI's default, a communication error ends all of them.</summary>
public sealed class MpiCommunicator : Communicator
{
    private const int Tag = 1;
    private const int LongestVersion = 8192; // limit of MPICH; the limit of Open MPI is lower

    private readonly MpiLibrary _library;
    private nint _comm;

    private MpiCommunicator(MpiLibrary library, nint comm)
    {
        (_library, _comm) = (library, comm);
        Check(NativeMethods.CommRank(comm, out int rank), "MPI_Comm_rank");
        Check(NativeMethods.CommSize(comm, out int count), "MPI_Comm_size");
        (Rank, Count) = (rank, count);
    }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <summary>Version text of the MPI library in use.</summary>
    public static string LibraryVersion
    {
        get
        {
            byte[] text = new byte[LongestVersion];
            Check(NativeMethods.GetLibraryVersion(ref text[0], out int length), "MPI_Get_library_version");
            return Encoding.UTF8.GetString(text, 0, length).TrimEnd('\0', '\n');
        }
    }

    /// <summary>Loads MPI and joins the processes that were started together.</summary>
    /// <remarks>It can be called once per process. After the communicator is disposed of, MPI cannot be used again.</remarks>
    /// <exception cref="MpiException">There is no MPI library, or it does not support calls from several threads, one at a
    /// time.</exception>
    public static MpiCommunicator Open()
    {
        MpiLibrary library = new();
        Check(NativeMethods.InitThread(0, 0, NativeMethods.ThreadSerialized, out int provided), "MPI_Init_thread");
        return provided >= NativeMethods.ThreadSerialized
            ? new MpiCommunicator(library, library.World)
            : throw new MpiException(
                "this MPI library can only be used by one thread (MPI_THREAD_SERIALIZED is needed). "
                + "Install one that was built with threads.");
    }

    /// <summary>Ends all processes at once. This method does not return.</summary>
    /// <param name="code">Exit code of the processes.</param>
    public void Abort(int code) => _ = NativeMethods.Abort(_comm, code);

    /// <inheritdoc/>
    public override Transfer BeginSum<T>(Memory<T> numbers)
    {
        nint type = typeof(T) == typeof(float) ? _library.Float
            : typeof(T) == typeof(double) ? _library.Double
            : throw new NotSupportedException($"Sums are of float or double, not of {typeof(T).Name}.");

        // Sums from a copy: for sums in place, Open MPI uses a tree only, which sends all data once per level of the tree.
        T[] copy = ArrayPool<T>.Shared.Rent(numbers.Length);
        numbers.CopyTo(copy);
        Request request = new(_library, numbers.Pin(), new Lent<T>(copy));
        Check(
            NativeMethods.Iallreduce(
                ref First<T>(copy), ref First(numbers.Span), numbers.Length, type, _library.Sum, _comm, ref request.Handle),
            "MPI_Iallreduce");
        return request;
    }

    /// <inheritdoc/>
    public override Transfer BeginSend<T>(ReadOnlyMemory<T> values, int receiver)
    {
        Request request = new(_library, values.Pin());
        Check(
            NativeMethods.Isend(ref First(values.Span), Bytes<T>(values.Length), _library.Byte, receiver, Tag, _comm, ref request.Handle),
            "MPI_Isend");
        return request;
    }

    /// <inheritdoc/>
    public override Transfer BeginReceive<T>(Memory<T> values, int sender)
    {
        Request request = new(_library, values.Pin());
        Check(
            NativeMethods.Irecv(ref First(values.Span), Bytes<T>(values.Length), _library.Byte, sender, Tag, _comm, ref request.Handle),
            "MPI_Irecv");
        return request;
    }

    /// <inheritdoc/>
    public override void Gather<T>(Span<T> all, ReadOnlySpan<int> lengths)
    {
        int[] counts = new int[Count], starts = new int[Count];
        for (int rank = 0, start = 0; rank < Count; start += counts[rank++])
        {
            (counts[rank], starts[rank]) = (Bytes<T>(lengths[rank]), start);
        }

        Check(
            NativeMethods.Allgatherv(
                _library.InPlace, 0, _library.Byte, ref First(all), ref counts[0], ref starts[0], _library.Byte, _comm),
            "MPI_Allgatherv");
    }

    /// <inheritdoc/>
    public override void Broadcast<T>(Span<T> values, int sender) =>
        Check(NativeMethods.Bcast(ref First(values), Bytes<T>(values.Length), _library.Byte, sender, _comm), "MPI_Bcast");

    /// <inheritdoc/>
    public override Communicator Split(int colour)
    {
        nint comm = 0;
        Check(NativeMethods.CommSplit(_comm, colour, Rank, ref comm), "MPI_Comm_split");
        return new MpiCommunicator(_library, comm);
    }

    /// <summary>Releases this group. For the group of all processes, this shuts down MPI.</summary>
    public override void Dispose()
    {
        if (_comm == _library.World)
        {
            _ = NativeMethods.Finish();
        }
        else if (_comm != 0)
        {
            _ = NativeMethods.CommFree(ref _comm);
        }

        _comm = 0;
        base.Dispose();
    }

    // Reached only if MPI was told to return errors. By default it ends the processes itself.
    private static void Check(int code, string call)
    {
        if (code != 0)
        {
            throw new MpiException(string.Create(CultureInfo.InvariantCulture, $"{call} failed with error {code}."));
        }
    }

    private static int Bytes<T>(int length) => checked(length * Unsafe.SizeOf<T>());

    private static ref byte First<T>(ReadOnlySpan<T> values)
        where T : unmanaged => ref MemoryMarshal.GetReference(MemoryMarshal.AsBytes(values));

    // Keeps the values pinned until the library has finished with them.
    private sealed class Request(MpiLibrary library, MemoryHandle pinned, IDisposable? lent = null) : Transfer
    {
        internal nint Handle;
        private MemoryHandle _pinned = pinned;
        private bool _ended;

        public override void Wait()
        {
            if (!_ended)
            {
                Check(NativeMethods.Wait(ref Handle, library.IgnoredStatus), "MPI_Wait");
                End();
            }
        }

        public override bool Poll()
        {
            if (!_ended)
            {
                Check(NativeMethods.Test(ref Handle, out int ended, library.IgnoredStatus), "MPI_Test");
                if (ended != 0)
                {
                    End();
                }
            }

            return _ended;
        }

        private void End()
        {
            _ended = true;
            _pinned.Dispose();
            lent?.Dispose();
        }
    }

    // A pooled array that stays pinned while it is rented.
    private sealed class Lent<T>(T[] array) : IDisposable
    {
        private MemoryHandle _pinned = array.AsMemory().Pin();

        public void Dispose()
        {
            _pinned.Dispose();
            ArrayPool<T>.Shared.Return(array);
        }
    }
}
