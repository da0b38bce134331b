using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using Onward.Communication;

namespace Onward.Tests.Communication;

/// <summary>
/// Ranks that are threads of this process, for tests. Sums are computed in the order of ranks. Sent values wait until the receiver takes
/// them.
/// </summary>
internal sealed class ThreadRanks : Communicator
{
    private readonly Group _group;

    private ThreadRanks(Group group, int rank) => (_group, Rank) = (group, rank);

    public override int Rank { get; }

    public override int Count => _group.Count;

    /// <summary>Runs an action on several ranks at once, and rethrows the first exception.</summary>
    public static void Run(int count, Action<Communicator> body)
    {
        Group group = new(count);
        ExceptionDispatchInfo? fault = null;
        Thread[] threads = [.. Enumerable.Range(0, count).Select(rank => new Thread(() => Guard(rank)))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        fault?.Throw();

        void Guard(int rank)
        {
            try
            {
                body(new ThreadRanks(group, rank));
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref fault, ExceptionDispatchInfo.Capture(e), null);
                group.Break();
            }
        }
    }

    public override Transfer BeginSum<T>(Memory<T> numbers)
    {
        object[] all = _group.Meet(Rank, numbers.ToArray());
        numbers.Span.Clear();
        foreach (object part in all)
        {
            for (int i = 0; i < numbers.Length; i++)
            {
                numbers.Span[i] = (T)(object)(typeof(T) == typeof(float)
                    ? (float)(object)numbers.Span[i] + (float)(object)((T[])part)[i]
                    : (object)((double)(object)numbers.Span[i] + (double)(object)((T[])part)[i]));
            }
        }

        return Transfer.Done;
    }

    public override Transfer BeginSend<T>(ReadOnlyMemory<T> values, int receiver)
    {
        _group.Between(Rank, receiver).Add(values.ToArray());
        return Transfer.Done;
    }

    public override Transfer BeginReceive<T>(Memory<T> values, int sender) => new Arrival<T>(_group, sender, Rank, values);

    public override void Gather<T>(Span<T> all, ReadOnlySpan<int> lengths)
    {
        int start = 0;
        T[] mine = all.Slice(lengths[..Rank].ToArray().Sum(), lengths[Rank]).ToArray();
        foreach (object part in _group.Meet(Rank, mine))
        {
            ((T[])part).CopyTo(all[start..]);
            start += ((T[])part).Length;
        }
    }

    public override void Broadcast<T>(Span<T> values, int sender) => ((T[])_group.Meet(Rank, values.ToArray())[sender]).CopyTo(values);

    public override Communicator Split(int colour)
    {
        object[] colours = _group.Meet(Rank, colour);
        int[] same = [.. Enumerable.Range(0, Count).Where(rank => (int)colours[rank] == colour)];
        object[] groups = _group.Meet(Rank, same[0] == Rank ? new Group(same.Length) : 0);
        Group mine = (Group)groups[same[0]];
        _group.Adopt(mine);
        return new ThreadRanks(mine, Array.IndexOf(same, Rank));
    }

    [SuppressMessage("Reliability", "CA1001", Justification = "Delayed threads may still use it; it ends with the test.")]
    private sealed class Group(int count)
    {
        private readonly Barrier _barrier = new(count);
        private readonly CancellationTokenSource _broken = new();
        private readonly object[] _values = new object[count];
        private readonly ConcurrentBag<Group> _parts = [];
        private readonly ConcurrentDictionary<(int, int), BlockingCollection<object>> _mail = new();

        public int Count { get; } = count;

        public CancellationToken Broken => _broken.Token;

        public void Adopt(Group part) => _parts.Add(part);

        public void Break()
        {
            _broken.Cancel();
            foreach (Group part in _parts)
            {
                part.Break();
            }
        }

        public BlockingCollection<object> Between(int sender, int receiver) => _mail.GetOrAdd((sender, receiver), _ => []);

        public object[] Meet(int rank, object value)
        {
            _values[rank] = value;
            _barrier.SignalAndWait(Broken);
            object[] all = [.. _values];
            _barrier.SignalAndWait(Broken);
            return all;
        }
    }

    private sealed class Arrival<T>(Group group, int sender, int receiver, Memory<T> values) : Transfer
    {
        private bool _ended;

        public override void Wait()
        {
            if (!_ended)
            {
                ((T[])group.Between(sender, receiver).Take(group.Broken)).CopyTo(values);
                _ended = true;
            }
        }

        public override bool Poll() => _ended;
    }
}
