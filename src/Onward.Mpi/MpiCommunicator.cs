using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Onward.Communication;

namespace Onward.Mpi;

/// <summary>Processes that <c>mpirun</c> started together. Faults of the network end all of them: that is MPI's default.</summary>
public sealed class MpiCommunicator : Communicator
{
    private const int Tag = 1;
    private const int LongestVersion = 8192; // MPICH's; Open MPI's is shorter

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

    /// <summary>The library that is at work, in its own words.</summary>
    public static string LibraryVersion
    {
        get
        {
            byte[] text = new byte[LongestVersion];
            Check(NativeMethods.GetLibraryVersion(ref text[0], out int length), "MPI_Get_library_version");
            return Encoding.UTF8.GetString(text, 0, length).TrimEnd('\0', '\n');
        }
    }

    /// <summary>
    /// Loads MPI and joins the processes that were started together. Once in a process; disposing of it leaves them for good.
    /// </summary>
    /// <exception cref="MpiException">There is no MPI, or it does not let threads take turns in it.</exception>
    public static MpiCommunicator Open()
    {
        MpiLibrary library = new();
        Check(NativeMethods.InitThread(0, 0, NativeMethods.ThreadSerialized, out int provided), "MPI_Init_thread");
        return provided >= NativeMethods.ThreadSerialized
            ? new MpiCommunicator(library, library.World)
            : throw new MpiException(
                "this MPI library lets one thread alone use it (MPI_THREAD_SERIALIZED is needed). Install one that was built with threads.");
    }

    /// <summary>Ends all processes at once; does not return.</summary>
    /// <param name="code">What they tell their caller.</param>
    public void Abort(int code) => _ = NativeMethods.Abort(_comm, code);

    /// <inheritdoc/>
    public override Transfer BeginSum<T>(Memory<T> numbers)
    {
        nint type = typeof(T) == typeof(float) ? _library.Float
            : typeof(T) == typeof(double) ? _library.Double
            : throw new NotSupportedException($"Sums are of float or double, not of {typeof(T).Name}.");

        // From a copy: for sums in place Open MPI has only its tree, which passes everything as often as the tree has levels.
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

    /// <summary>Gives a part of the group back or, if this is the whole, leaves MPI.</summary>
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

    // Faults come here only where MPI was told to return them; by default it ends the processes itself.
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

    // Values stay pinned until the library has done with them.
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

    // An array of the pool, pinned while it is out.
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
