using System.Globalization;

namespace Onward.Communication;

/// <summary>
/// How the processes of a run share its work: each takes one of several shares of every batch, through one of several stages, which
/// are consecutive blocks. Data parallel has one stage, block parallel one share.
/// </summary>
public sealed class RankGrid : IDisposable
{
    /// <summary>Parts the processes.</summary>
    /// <param name="world">All processes of the run.</param>
    /// <param name="shares">Shares of a batch; at least 1.</param>
    /// <param name="stages">Stages that the blocks are dealt out to; at least 1.</param>
    /// <exception cref="ArgumentException">The grid has not as many places as there are processes.</exception>
    public RankGrid(Communicator world, int shares, int stages)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentOutOfRangeException.ThrowIfLessThan(shares, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(stages, 1);
        if ((long)shares * stages != world.Count)
        {
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"A grid of {shares} shares and {stages} stages is for {(long)shares * stages} processes; there are {world.Count}."));
        }

        (World, Stages, Stage) = (world, stages, world.Rank % stages);
        Share = new BatchShare(world.Rank / stages, shares);
        Peers = world.Split(Stage);
        Chain = world.Split(Share.Index);
    }

    /// <summary>A grid of one process.</summary>
    public static RankGrid OneProcess { get; } = new(new SingleProcess(), 1, 1);

    /// <summary>All processes.</summary>
    public Communicator World { get; }

    /// <summary>Those with the same blocks, by share.</summary>
    public Communicator Peers { get; }

    /// <summary>Those with the same share of the batch, by stage.</summary>
    public Communicator Chain { get; }

    /// <summary>Stages that the blocks are dealt out to.</summary>
    public int Stages { get; }

    /// <summary>The share of every batch that this process takes.</summary>
    public BatchShare Share { get; }

    /// <summary>This process's stage, from 0.</summary>
    public int Stage { get; }

    /// <summary>
    /// Deals consecutive items out to so many parts, at least one to each, so that the heaviest part is as light as can be.
    /// </summary>
    /// <param name="weights">Weight of each item, as many as there are parts or more.</param>
    /// <param name="parts">The parts.</param>
    /// <returns>The first item of each part and, last, the number of items. [part + 1]</returns>
    public static int[] Balance(IReadOnlyList<double> weights, int parts)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentOutOfRangeException.ThrowIfLessThan(parts, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parts, weights.Count);

        // heaviest[p][i]: of the first i items in p parts.
        int items = weights.Count;
        double[,] heaviest = new double[parts + 1, items + 1];
        int[,] cut = new int[parts + 1, items + 1];
        for (int p = 0; p <= parts; p++)
        {
            for (int i = 0; i <= items; i++)
            {
                heaviest[p, i] = p == 0 && i == 0 ? 0 : double.PositiveInfinity;
                double last = 0;
                for (int first = i - 1; p > 0 && first >= p - 1; first--)
                {
                    last += weights[first];
                    double value = Math.Max(heaviest[p - 1, first], last);
                    if (value < heaviest[p, i])
                    {
                        (heaviest[p, i], cut[p, i]) = (value, first);
                    }
                }
            }
        }

        int[] firsts = new int[parts + 1];
        firsts[parts] = items;
        for (int p = parts; p > 0; p--)
        {
            firsts[p - 1] = cut[p, firsts[p]];
        }

        return firsts;
    }

    /// <summary>Gives the groups of peers and of the chain back; the world remains its owner's.</summary>
    public void Dispose()
    {
        Peers.Dispose();
        Chain.Dispose();
    }
}
