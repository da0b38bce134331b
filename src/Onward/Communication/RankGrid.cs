using System.Globalization;

namespace Onward.Communication;

/// <summary>
/// Arranges the processes of a run as a grid of shares and stages. A process computes one share of every batch through one
/// stage, which is a range of consecutive blocks. Data parallelism has one stage, block parallelism has one share.
/// </summary>
public sealed class RankGrid : IDisposable
{
    /// <summary>Creates the groups of processes.</summary>
    /// <param name="world">All processes of the run.</param>
    /// <param name="shares">Number of shares of a batch, at least 1.</param>
    /// <param name="stages">Number of stages that the blocks are divided into, at least 1.</param>
    /// <exception cref="ArgumentException">The size of the grid does not match the number of processes.</exception>
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

    /// <summary>All processes of the run.</summary>
    public Communicator World { get; }

    /// <summary>The processes with the same stage, in the order of their shares.</summary>
    public Communicator Peers { get; }

    /// <summary>The processes with the same share of the batch, in the order of their stages.</summary>
    public Communicator Chain { get; }

    /// <summary>Number of stages that the blocks are divided into.</summary>
    public int Stages { get; }

    /// <summary>The share of every batch that this process computes.</summary>
    public BatchShare Share { get; }

    /// <summary>The stage of this process, from 0.</summary>
    public int Stage { get; }

    /// <summary>
    /// Divides consecutive items into parts, at least one item in each, such that the heaviest part is as light as possible.
    /// </summary>
    /// <param name="weights">Weight of each item; at least as many items as parts.</param>
    /// <param name="parts">Number of parts, at least 1.</param>
    /// <returns>The first item of each part and, last, the number of items. [part + 1]</returns>
    public static int[] Balance(IReadOnlyList<double> weights, int parts)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentOutOfRangeException.ThrowIfLessThan(parts, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parts, weights.Count);

        // heaviest[p, i] is the weight of the heaviest part when the first i items are divided into p parts.
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

    /// <summary>Releases the groups of peers and of the chain. The world group remains with its owner.</summary>
    public void Dispose()
    {
        Peers.Dispose();
        Chain.Dispose();
    }
}
