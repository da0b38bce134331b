using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Optimizers;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Oracle;

/// <summary>Counts the whole process's allocations, so nothing may run beside it.</summary>
[CollectionDefinition(nameof(CountsAllocations), DisableParallelization = true)]
public sealed class CountsAllocations;

/// <summary>A step allocates nothing, whatever the batch, and its memory is settled when the rule is made.</summary>
[Collection(nameof(CountsAllocations))]
public sealed class ForwardGradientMemoryTests
{
    private static readonly LocalMixerOptions Options = new()
    {
        Blocks = 2,
        PatchesPerSide = 4,
        Channels = 32,
        Groups = 4,
        ImageSide = 8,
        ImageChannels = 1,
        Classes = 4,
    };

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 1)]
    [InlineData(2, 3)]
    public void Step_and_update_allocate_nothing(int threads, int passes)
    {
        TinyNetwork small = TinyNetwork.Create(Options, examples: 4), large = TinyNetwork.Create(Options, examples: 100);
        using WorkerTeam team = new(threads);
        TrainingStep training = new(small.Model, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, passes, seed: 5), team);
        ParameterUpdate update = new(small.Model.Values.Layout, new Sgd(Momentum: 0.9, WeightDecay: 1e-4), team);
        Train(small);

        // The least of several counts: the test runner's own threads and just-in-time compilation may allocate now and then.
        long allocated = Enumerable.Range(0, 10).Select(_ => Allocated(() => Train(large))).Min();

        Assert.Equal(0, allocated);

        void Train(TinyNetwork batch)
        {
            for (uint step = 0; step < 3; step++)
            {
                training.Run(batch.FlatPixels, batch.Labels, step);
                update.Apply(small.Model.Values, training.Gradients, rate: 0.1);
            }
        }

        long Allocated(Action work)
        {
            long before = Count();
            work();
            return Count() - before;
        }

        long Count() => threads == 1 ? GC.GetAllocatedBytesForCurrentThread() : GC.GetTotalAllocatedBytes(precise: true);
    }

    [Fact]
    public void Activation_memory_is_the_same_before_and_after_batches_of_any_size()
    {
        TinyNetwork small = TinyNetwork.Create(Options, examples: 1), large = TinyNetwork.Create(Options, examples: 300);
        using WorkerTeam team = new(2);
        TrainingStep training = new(small.Model, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 5), team);
        long before = training.ActivationBytes;

        training.Run(small.FlatPixels, small.Labels, 0);
        long afterSmall = training.ActivationBytes;
        training.Run(large.FlatPixels, large.Labels, 1);

        Assert.True(before > 0);
        Assert.Equal(before, afterSmall);
        Assert.Equal(before, training.ActivationBytes);
    }
}
