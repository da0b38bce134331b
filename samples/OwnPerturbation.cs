// Defines a perturbation of your own: in each step, noise of +2 or -2 reaches only a quarter of the units. Independent numbers of
// mean 0 and variance 1 give an unbiased gradient, whatever their distribution. Prints the test error after each of 10 epochs on digits
// that the program draws, with this noise and with the paper's Gaussian noise: 4.7 and 4.6 % at the end.
#:project ../src/Onward/Onward.csproj

using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

using WorkerTeam team = new(Environment.ProcessorCount);
ImageDataset digits = DigitsSource.Load();
List<EpochMetrics> ofSparse = Train(new SparseNoise()), ofGaussian = Train(NoiseDistribution.Gaussian);
foreach ((EpochMetrics sparse, EpochMetrics gaussian) in ofSparse.Zip(ofGaussian))
{
    Console.WriteLine(
        $"epoch {sparse.Epoch,2}: test error {sparse.TestError:F2} % with sparse noise, {gaussian.TestError:F2} % with Gaussian noise");
}

List<EpochMetrics> Train(NoiseDistribution noise)
{
    Network model = LocalMixer.Build(LocalMixerPresets.Get("M/1/16", imageSide: 28, imageChannels: 1, classes: 10));
    model.Initialize(seed: 1);
    TrainingStep step = new(model, new ForwardGradient(noise, LossScope.All, passes: 1, seed: 1), team);
    TrainingOptions options = new() { Epochs = 10, LearningRate = 0.03, Seed = 1 };
    List<EpochMetrics> epochs = [];
    new Trainer(step, digits, options, TimeProvider.System).Run(epochEnded: epochs.Add);
    return epochs;
}

internal sealed class SparseNoise : NoiseDistribution
{
    // The absolute value of a standard normal number exceeds this threshold with probability 1/4.
    private const float Threshold = 1.15035f;

    // The stream identifies seed, step, pass, layer and example. The same position of a stream always gives the same number, so
    // that the result of a run does not depend on the number of threads.
    public override void Draw(in RandomStream stream, int firstElement, Span<float> noise)
    {
        CounterRandom.Normals(stream, (uint)firstElement, noise);
        foreach (ref float value in noise)
        {
            value = MathF.Abs(value) > Threshold ? MathF.CopySign(2, value) : 0;
        }
    }
}
