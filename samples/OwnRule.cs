// Defines a learning rule of your own: direct feedback within each block. The error of a block's local loss reaches every layer of
// the block through a fixed random matrix, and no error passes between blocks. Prints the training loss and the test error of each of
// 10 epochs on digits that the program draws, 4.1 % at the end.
#:project ../src/Onward/Onward.csproj

using System.Numerics.Tensors;
using Onward.Data;
using Onward.Engine;
using Onward.Kernels;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

using WorkerTeam team = new(Environment.ProcessorCount);
Network model = LocalMixer.Build(LocalMixerPresets.Get("M/1/16", imageSide: 28, imageChannels: 1, classes: 10));
model.Initialize(seed: 1);
TrainingOptions options = new() { Epochs = 10, LearningRate = 0.1, Seed = 1 };
TrainingStep step = new(model, new LocalDirectFeedback(seed: 1), team);
Trainer trainer = new(step, DigitsSource.Load(), options, TimeProvider.System);
trainer.Run(epochEnded: epoch => Console.WriteLine($"epoch {epoch.Epoch,2}: loss {epoch.TrainLoss:F3}, test error {epoch.TestError:F2} %"));

internal sealed class LocalDirectFeedback(ulong seed) : LearningRule(Locality.Block, trainsHeads: true)
{
    private readonly Dictionary<NetworkLayer, float[]> _feedback = [];

    protected override void Prepare(TrainingStep training)
    {
        foreach (NetworkLayer layer in training.Network.Blocks.SelectMany(block => block.Layers))
        {
            float[] matrix = new float[training.Network.Classes * layer.Map.Outputs]; // [classes, outputs]
            CounterRandom.Normals(new(seed, RandomPurpose.Feedback, Layer: (uint)layer.Index), 0, matrix);
            TensorPrimitives.Divide(matrix, MathF.Sqrt(layer.Map.Outputs), matrix);
            _feedback[layer] = matrix;
        }
    }

    protected override void Differentiate(ReadOnlySpan<BlockTile> tiles)
    {
        BlockTile tile = tiles[0]; // there is one tile, because the rule is local to a block
        int classes = Step.Network.Classes;
        for (int l = 0; l < tile.Block.Layers.Count; l++)
        {
            int outputs = tile.Block.Layers[l].Map.Outputs;
            float[] matrix = _feedback[tile.Block.Layers[l]], signal = new float[tile.Examples * outputs];
            for (int i = 0; i < tile.Errors.Length; i++) // signal = errors [examples, classes] times the matrix
            {
                int example = i / classes, @class = i % classes;
                Span<float> sum = signal.AsSpan(example * outputs, outputs);
                TensorPrimitives.MultiplyAdd(matrix.AsSpan(@class * outputs, outputs), tile.Errors.Span[i], sum, sum);
            }

            tile.Spread(signal, tile.Gradient(l));
            tile.PassBackThroughActivation(l);
        }
    }
}
